FROM box
ARG A=value
ARG QUOTED="two words"
RUN echo "$A $QUOTED $LATER" > /seen
ARG LATER=late
RUN echo "$LATER" >> /seen

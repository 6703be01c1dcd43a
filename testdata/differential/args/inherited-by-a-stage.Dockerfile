FROM box AS one
ARG A=1
FROM one
RUN echo "<$A>" > /seen

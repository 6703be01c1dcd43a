FROM box
RUN echo 1 > /f
RUN echo 2 >> /f; touch /g
RUN rm /g; echo 3 >> /f

FROM box
RUN true
RUN :

FROM box
RUN ["/not/there"]

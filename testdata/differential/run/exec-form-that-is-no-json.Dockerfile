FROM box
RUN [ -d /etc ] && echo yes > /out

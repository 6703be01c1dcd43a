FROM box
RUN ["/bin/sh", "-c", "echo done > /done && test -f /done"]

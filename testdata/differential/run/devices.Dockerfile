FROM box
RUN mknod /null c 1 3; mknod -m 660 /disk b 7 9; chown 0:6 /disk

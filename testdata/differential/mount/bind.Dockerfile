FROM box
RUN --mount=type=bind,source=src,target=/src cat /src/*.c > /out
RUN --mount=target=/ctx ls /ctx/dir > /out2

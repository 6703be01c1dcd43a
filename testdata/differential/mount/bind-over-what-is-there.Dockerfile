FROM box
RUN --mount=type=bind,source=dir,target=/old ls -A /old > /out

FROM box
RUN --mount=type=magic,target=/x true

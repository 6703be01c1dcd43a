FROM box
RUN --mount=type=cache,target=/cache,id=differential-cache echo x > /cache/x; echo done > /out

FROM box
RUN --mount=type=tmpfs,target=/old ls -A /old > /out; touch /old/x

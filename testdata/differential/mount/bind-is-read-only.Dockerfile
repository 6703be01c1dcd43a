FROM box
RUN --mount=type=bind,source=dir,target=/work touch /work/x 2>/dev/null || echo refused > /out

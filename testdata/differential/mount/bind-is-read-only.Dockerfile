FROM box
RUN --mount=type=bind,source=dir,target=/in touch /in/x 2>/dev/null || echo refused > /out

FROM box
RUN --mount=type=bind,from=odd,source=/lower,target=/lower cp /lower/kept /kept

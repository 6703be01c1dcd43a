# buildah 1.28 wants absolute targets.
FROM box
WORKDIR /w
RUN --mount=type=bind,source=dir,target=/w/here cat here/a > out

FROM box
WORKDIR /w
RUN --mount=type=bind,source=dir,target=here cat here/a > out

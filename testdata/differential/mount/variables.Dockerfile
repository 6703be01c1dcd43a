FROM box
ARG WHAT=dir
ENV WHERE=/mnt/x
RUN --mount=type=bind,source=$WHAT,target=${WHERE} cat /mnt/x/a > /out

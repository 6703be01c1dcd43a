FROM box
RUN --mount=type=bind,src=one,dst=/mnt/file cat /mnt/file > /out

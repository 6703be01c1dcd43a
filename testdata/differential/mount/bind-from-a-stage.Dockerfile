FROM box AS build
RUN echo made > /made
FROM box
RUN --mount=type=bind,from=build,source=/made,target=/mnt/made cp /mnt/made /copy
RUN --mount=from=build,target=/b cat /b/made > /copy2

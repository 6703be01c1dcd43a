FROM tiny
COPY dir /data/kept
VOLUME /data /new/volume
VOLUME ["/json", "/with space"]
VOLUME /data

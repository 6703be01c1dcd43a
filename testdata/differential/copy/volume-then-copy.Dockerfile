FROM tiny
VOLUME /data
COPY one /data/one
COPY dir /data/

FROM box
RUN mkdir /data; echo x > /data/file
VOLUME /data

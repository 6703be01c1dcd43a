FROM box
VOLUME /data
RUN echo x > /data/file

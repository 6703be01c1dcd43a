FROM box
COPY dir /d
RUN echo x >> /d/a; rm /d/sub/b
COPY one /d/sub/b
RUN cat /d/sub/b > /copy

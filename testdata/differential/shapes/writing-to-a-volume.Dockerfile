FROM box
VOLUME /golem/work /golem/input
RUN echo x > /golem/work/x
COPY one /golem/input/

FROM box
VOLUME /golem/job /golem/input
RUN echo x > /golem/job/x
COPY one /golem/input/

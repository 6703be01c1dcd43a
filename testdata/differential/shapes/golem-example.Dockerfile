FROM tiny
VOLUME /golem/input /golem/output
WORKDIR /golem/work

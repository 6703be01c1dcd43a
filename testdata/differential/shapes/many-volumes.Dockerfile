FROM tiny
VOLUME /a /b /c/d /c/e /golem/work
COPY one /golem/work/

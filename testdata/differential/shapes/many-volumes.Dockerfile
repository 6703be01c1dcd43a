FROM tiny
VOLUME /a /b /c/d /c/e /golem/job
COPY one /golem/job/

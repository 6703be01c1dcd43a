FROM box
RUN echo golem:x:1234:1234::/home/golem:/bin/sh >> /etc/passwd && echo golem:x:1234: >> /etc/group && mkdir /home/golem && chown golem:golem /home/golem
USER golem
WORKDIR /home/golem
RUN id -un > who; id > /tmp/id

FROM box
USER app
RUN id > /home/app/id; touch /tmp/mine; umask > /home/app/umask
USER 12:34
RUN id > /tmp/id; mkdir /tmp/dir
USER root
RUN id > /id

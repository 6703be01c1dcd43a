FROM box
RUN rm -rf /usr/share/* /etc/issue /old/.??* /old/*

FROM box
RUN mv /old /renamed; mv /etc/issue /etc/issue.old; mv /srv /tmp/srv

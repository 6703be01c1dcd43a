FROM box
RUN echo more >> /old/a; echo over > /etc/issue; chmod 700 /srv; chown 3:4 /home; touch -d '2020-01-02 03:04:05' /etc/group

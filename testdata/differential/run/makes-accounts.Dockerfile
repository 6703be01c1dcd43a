FROM box
RUN echo new:x:77:88::/home/new:/bin/sh >> /etc/passwd; echo team:x:88:app >> /etc/group; mkdir -p /home/new; chown new:team /home/new
USER new
COPY --chown=new:team one /home/new/one
RUN id > /home/new/id

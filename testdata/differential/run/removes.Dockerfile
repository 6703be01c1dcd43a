FROM box
RUN rm /old/a; rm -r /old/deep; rm /etc/issue; rmdir /home/app; rm /bin/zcat

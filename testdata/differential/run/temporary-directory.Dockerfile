FROM box
RUN echo kept > /tmp/kept; mkdir /var/tmp; chmod 1777 /var/tmp; echo x > /run-file

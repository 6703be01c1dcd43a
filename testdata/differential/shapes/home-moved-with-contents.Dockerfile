FROM box
RUN echo x > /root/.profile; chmod 700 /root; mv /root /root_copy
VOLUME /root
RUN ls -la /root_copy > /listing-is-not-compared; rm /listing-is-not-compared

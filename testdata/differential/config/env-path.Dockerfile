FROM tiny
ENV PATH=/opt/bin:$PATH
ENV PATH=$PATH:/more

FROM box
RUN echo $0 > /shell; pwd >> /shell; id -u >> /shell

FROM full
ENV EMPTY=now X=${EMPTY:-was}

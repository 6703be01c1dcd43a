FROM box
RUN (sleep 60 &) ; echo started > /started

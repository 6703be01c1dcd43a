FROM box
USER nobody-knows
RUN true

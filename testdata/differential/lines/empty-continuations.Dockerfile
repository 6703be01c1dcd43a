FROM box
RUN echo a \

  b \


  > /out
ENV A=1

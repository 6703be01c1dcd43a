# escape=`
FROM box
RUN echo a `
  b > /out
ENV WIN=c:\dir\ OTHER=x`
y

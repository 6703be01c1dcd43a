FROM box
RUN echo 'single $HOME' "double $HOME" back\\slash `echo ticks` $(echo parens) > /out

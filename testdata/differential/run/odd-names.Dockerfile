FROM box
RUN mkdir /n; cd /n; touch -- -rf 'a b' "$(printf 'new\nline')" '*' '[x]' 'ünï' .hidden ...; mkdir ' '

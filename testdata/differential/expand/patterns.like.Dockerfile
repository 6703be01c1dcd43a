# buildah 1.28 knows no patterns.
FROM tiny
ENV P=/usr/lib/x.tar.gz G=aXbXc
ENV A=usr/lib/x.tar.gz B=x.tar.gz C=/usr/lib/x.tar D=/usr/lib/x E=a-bXc F=a-b-c H=/lib/x.tar.gz I=aXb J=abc

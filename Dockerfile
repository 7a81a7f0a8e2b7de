# The app as it runs in production: no development part, no test, no package that only they need.
#   docker build -t my-app .  &&  docker run --init --read-only --env-file .env -p 3000:3000 my-app

FROM node:26-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:26-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY src src
COPY views views
COPY public public
# Everything above belongs to root. The app may write into data/ and nowhere else; what has to last is mounted there.
RUN mkdir data && chown node:node data
VOLUME /app/data
USER node
EXPOSE 3000
# Alive, not ready: a container is not restarted because Redis or the provider is away. Load balancers ask /readyz.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((res) => process.exit(res.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/server.ts"]

# The app as it runs in production: no development part, no test, no package that only they need.
#   docker build -t my-app .
#   docker run --init --read-only --stop-timeout 30 --env-file .env -p 3000:3000 my-app

FROM node:26-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The versions of the lockfile, and no script of a package.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:26-slim AS app
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY src src
COPY views views
COPY public public
# What V8 compiles is kept in the image, as a container has nowhere to keep it: it starts in about two thirds of the time.
# Node looks for it by its own version, the path of each file and the number of the user, which are the same below. The
# imports are src/server.ts, which starts nothing with LOAD_ONLY, and what it loads later, when a setting asks for it.
ENV NODE_COMPILE_CACHE=/app/.compile-cache
RUN mkdir .compile-cache data && chown node:node .compile-cache data
USER node
RUN node --input-type=module --eval " \
  process.env.LOAD_ONLY = 'yes'; \
  const loaded = ['./src/server.ts', './src/kit/store/redis.ts', '@redis/client', \
    './src/kit/telemetry/attach.ts', './src/kit/telemetry/measure.ts', './src/kit/telemetry/sdk.ts']; \
  await Promise.all(loaded.map((name) => import(name)));" \
  && chmod -R a+rX .compile-cache

FROM node:26-slim
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/.compile-cache
WORKDIR /app
# All of this belongs to root, so the app can't change its own code, nor what is compiled of it.
COPY --from=app /app ./
# The app may write into data/ and nowhere else; what has to last is mounted there.
RUN chown node:node data
VOLUME /app/data
# node's number: Kubernetes can't tell from a name that it is not root.
USER 1000:1000
EXPOSE 3000
# Alive, not ready: a container is not restarted because Redis or the provider is away. Load balancers ask /readyz.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 3000}/healthz`).then((res) => process.exit(res.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/server.ts"]

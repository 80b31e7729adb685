"""Clients that hold their connection open and ask next to nothing, as the pools of real ones do."""

import asyncio

import clients

# Shorter than a server keeps a silent connection.
INTERVAL = 25


class IdleClients:
    """Each streams one short answer, stays, and asks every so often whether the server is well."""

    def __init__(self, port, count, request):
        self.port, self.count, self.request = port, count, request
        # Why some were lost, each.
        self.lost = []
        self.here = 0

    async def run(self, until):
        await asyncio.gather(*(self.client(number, until) for number in range(self.count)))

    async def client(self, number, until):
        loop = asyncio.get_running_loop()
        # Not all at once: the streams beside them are what is measured.
        await asyncio.sleep(INTERVAL * number / self.count)
        try:
            connection = await clients.Connection.open(self.port)
            await connection.stream(self.request)
            self.here += 1
            while (left := until - loop.time()) > 0:
                await asyncio.sleep(min(INTERVAL, left))
                await connection.get("/health")
            connection.close()
        except (OSError, EOFError, SystemExit, ValueError) as error:
            self.lost.append(f"{type(error).__name__}: {error}")

// The app of "Securing an ASP.NET Core Razor Page App using OpenID Connect Code flow with PKCE", on .NET 10, with the
// page of this project. As in the article: cookies, the code flow with PKCE and a secret, SaveTokens, and the claims
// of userinfo. With REDIS_URL its tickets are kept in Redis, and the cookie holds a key only. In its favour: no
// antiforgery token on the page, no static files, no security headers, and no token is ever renewed.
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.DataProtection;

var builder = WebApplication.CreateBuilder(args);
string Setting(string name) => builder.Configuration[name] ?? throw new InvalidOperationException($"{name} is missing");

builder.WebHost.UseUrls($"http://127.0.0.1:{Setting("PORT")}");

builder.Services.AddAuthentication(options =>
    {
        options.DefaultScheme = CookieAuthenticationDefaults.AuthenticationScheme;
        options.DefaultChallengeScheme = OpenIdConnectDefaults.AuthenticationScheme;
    })
    .AddCookie()
    .AddOpenIdConnect(options =>
    {
        options.SignInScheme = CookieAuthenticationDefaults.AuthenticationScheme;
        options.Authority = Setting("OIDC_ISSUER");
        options.ClientId = Setting("OIDC_CLIENT_ID");
        options.ClientSecret = Setting("OIDC_CLIENT_SECRET");
        options.ResponseType = "code";
        options.UsePkce = true;
        options.Scope.Add("profile");
        options.Scope.Add("email");
        options.Scope.Add("offline_access");
        options.SaveTokens = true;
        options.GetClaimsFromUserInfoEndpoint = true;

        // Claims by their own names, and those that the handler deletes by default: the page shows all twelve.
        options.MapInboundClaims = false;
        foreach (var name in new[] { "iss", "aud", "iat", "exp" }) options.ClaimActions.Remove(name);

        // The provider and the app of the bench speak http on loopback, and the provider posts no forms.
        options.RequireHttpsMetadata = false;
        options.ResponseMode = "query";
        foreach (var cookie in new[] { options.NonceCookie, options.CorrelationCookie })
        {
            cookie.SameSite = SameSiteMode.Lax;
            cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        }
    });

// As for every app that is published: else a restart, or a second instance, signs everybody out.
builder.Services.AddDataProtection().PersistKeysToFileSystem(new DirectoryInfo(Setting("KEYS_FOLDER")));

if (builder.Configuration["REDIS_URL"] is { } redis)
{
    builder.Services.AddStackExchangeRedisCache(options => options.Configuration = new Uri(redis).Authority);
    builder.Services.AddSingleton<ITicketStore, RedisTickets>();
    builder.Services.AddOptions<CookieAuthenticationOptions>(CookieAuthenticationDefaults.AuthenticationScheme)
        .Configure<ITicketStore>((options, tickets) => options.SessionStore = tickets);
}

builder.Services.AddAuthorization();
builder.Services.AddRazorPages();

var app = builder.Build();
app.UseRouting();
app.UseAuthentication();
app.UseAuthorization();
app.MapRazorPages();
app.Run();
